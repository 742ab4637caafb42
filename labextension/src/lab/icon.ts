import { LabIcon } from '@jupyterlab/ui-components';
import svgstr from '../../style/icons/modeldeploy.svg';

export const modelDeployIcon = new LabIcon({ name: 'jupyter-modeldeploy:panel', svgstr });
